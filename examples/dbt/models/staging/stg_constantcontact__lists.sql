select
    list_id,
    name as list_name,
    channel_type as channel,
    favorite as is_favorite,
    created_at,
    updated_at,
    deleted_at
from {{ source('constantcontact', 'contact_lists') }}
