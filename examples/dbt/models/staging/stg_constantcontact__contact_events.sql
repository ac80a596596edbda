select
    activity_id as event_id,
    contact_id,
    campaign_activity_id,
    campaign_activity_name as campaign_name,
    case tracking_activity_type
        when 'em_sends' then 'send'
        when 'em_opens' then 'open'
        when 'em_clicks' then 'click'
        when 'em_bounces' then 'bounce'
        when 'em_optouts' then 'opt_out'
        when 'em_forwards' then 'forward'
        else replace(tracking_activity_type, 'p_contact_', 'landing_page_')
    end as event_type,
    created_time as occurred_at,
    device_type,
    link_url,
    bounce_code,
    opt_out_reason
from {{ source('constantcontact', 'contact_activity_details') }}
