with stats as (

    select
        *,
        sends - bounces as delivered
    from {{ ref('stg_constantcontact__campaign_stats') }}

),

primary_emails as (

    select *
    from {{ ref('stg_constantcontact__campaign_emails') }}
    where role = 'primary_email'

)

select
    campaigns.campaign_id,
    campaigns.campaign_name,
    campaigns.campaign_type,
    primary_emails.subject,
    summaries.last_sent_at,
    stats.sends,
    stats.bounces,
    stats.delivered,
    stats.opens,
    stats.unique_opens,
    stats.clicks,
    stats.unique_clicks,
    stats.forwards,
    stats.opt_outs,
    summaries.spam_reports,
    {{ share('stats.unique_opens', 'stats.delivered') }} as open_rate,
    {{ share('stats.unique_clicks', 'stats.delivered') }} as click_rate,
    {{ share('stats.unique_clicks', 'stats.unique_opens') }} as click_to_open_rate,
    {{ share('stats.bounces', 'stats.sends') }} as bounce_rate,
    {{ share('stats.opt_outs', 'stats.delivered') }} as opt_out_rate,
    stats.computed_at
from stats
inner join {{ ref('stg_constantcontact__campaigns') }} as campaigns
    on stats.campaign_id = campaigns.campaign_id
left join primary_emails
    on stats.campaign_id = primary_emails.campaign_id
left join {{ ref('stg_constantcontact__campaign_summaries') }} as summaries
    on stats.campaign_id = summaries.campaign_id
