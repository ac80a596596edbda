select
    campaign_id,
    {{ property('stats', 'em_sends', 'bigint') }} as sends,
    {{ property('stats', 'em_bounces', 'bigint') }} as bounces,
    {{ property('stats', 'em_opens_all', 'bigint') }} as opens,
    {{ property('stats', 'em_opens', 'bigint') }} as unique_opens,
    {{ property('stats', 'em_clicks_all', 'bigint') }} as clicks,
    {{ property('stats', 'em_clicks', 'bigint') }} as unique_clicks,
    {{ property('stats', 'em_forwards', 'bigint') }} as forwards,
    {{ property('stats', 'em_optouts', 'bigint') }} as opt_outs,
    last_refresh_time as computed_at
from {{ source('constantcontact', 'email_campaign_stats') }}
