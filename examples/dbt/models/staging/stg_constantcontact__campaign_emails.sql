select
    campaign_activity_id,
    campaign_id,
    role,
    subject,
    preheader,
    from_name,
    from_email,
    updated_at
from {{ source('constantcontact', 'email_campaign_activities') }}
