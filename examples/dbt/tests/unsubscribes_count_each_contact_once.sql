-- The unsubscribes of all months are the contacts with a date of an opt-out.
with found as (

    select coalesce(sum(unsubscribes), 0) as contacts
    from {{ ref('unsubscribes') }}

),

expected as (

    select count({{ property('email_address', 'opt_out_date') }}) as contacts
    from {{ source('constantcontact', 'contacts') }}

)

select
    found.contacts,
    expected.contacts as expected_contacts
from found
cross join expected
where found.contacts <> expected.contacts
