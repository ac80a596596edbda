select
    campaign_id,
    name as campaign_name,
    type as campaign_type,
    current_status as status,
    created_at,
    updated_at
from {{ source('constantcontact', 'email_campaigns') }}
