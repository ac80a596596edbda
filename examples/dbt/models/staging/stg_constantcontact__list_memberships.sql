select distinct
    contacts.contact_id,
    membership.list_id
from {{ source('constantcontact', 'contacts') }} as contacts
cross join {{ each_text('contacts.list_memberships') }} as membership(list_id)
