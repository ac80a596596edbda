{{ config(enabled=var("as_of") is none) }}

-- The members in a list's last month are the contacts who are on it now and may be written to.
with last_months as (

    select
        list_id,
        max(month) as month
    from {{ ref('list_growth') }}
    group by list_id

),

found as (

    select
        growth.list_id,
        growth.members
    from {{ ref('list_growth') }} as growth
    inner join last_months
        on growth.list_id = last_months.list_id and growth.month = last_months.month

),

expected as (

    select
        memberships.list_id,
        count(*) as members
    from {{ ref('stg_constantcontact__list_memberships') }} as memberships
    inner join {{ ref('stg_constantcontact__contacts') }} as contacts
        on memberships.contact_id = contacts.contact_id
    left join {{ ref('stg_constantcontact__lists') }} as lists
        on memberships.list_id = lists.list_id
    where
        contacts.deleted_at is null
        and not (
            coalesce(contacts.permission_to_send, '') = 'unsubscribed'
            and contacts.opted_out_at is not null
            and lists.channel = 'email'
        )
    group by memberships.list_id

)

select
    found.list_id,
    found.members,
    expected.members as expected_members
from found
full join expected
    on found.list_id = expected.list_id
where coalesce(found.members, 0) <> coalesce(expected.members, 0)
