with events as (

    select *
    from {{ ref('stg_constantcontact__contact_events') }}
    where
        event_type in ('send', 'open', 'click', 'bounce')
        and occurred_at <= {{ as_of() }}

),

emails as (

    select
        contact_id,
        campaign_activity_id,
        count(*) filter (where event_type = 'send') > 0 as is_sent,
        count(*) filter (where event_type = 'open') > 0 as is_opened,
        count(*) filter (where event_type = 'click') > 0 as is_clicked,
        count(*) filter (where event_type = 'send')
        > count(*) filter (where event_type = 'bounce') as is_delivered
    from events
    group by contact_id, campaign_activity_id

),

emails_by_contact as (

    select
        contact_id,
        count(*) filter (where is_sent) as emails_sent,
        count(*) filter (where is_delivered or is_opened or is_clicked) as emails_reached,
        count(*) filter (where is_opened) as emails_opened,
        count(*) filter (where is_clicked) as emails_clicked
    from emails
    group by contact_id

),

events_by_contact as (

    select
        contact_id,
        max(occurred_at) filter (where event_type = 'send') as last_sent_at,
        max(occurred_at) filter (where event_type = 'open') as last_opened_at,
        max(occurred_at) filter (where event_type = 'click') as last_clicked_at,
        max(occurred_at) filter (where event_type in ('open', 'click')) as last_engaged_at
        {%- for days in (30, 90) %}
        {%- for event_type in ('send', 'open', 'click') %},
        count(*) filter (
            where event_type = '{{ event_type }}' and occurred_at > {{ days_ago(days) }}
        ) as {{ event_type }}s_{{ days }}_days
        {%- endfor %}
        {%- endfor %}
    from events
    group by contact_id

)

select
    contacts.contact_id,
    contacts.email_address,
    contacts.first_name,
    contacts.last_name,
    contacts.status,
    contacts.created_at,
    latest.last_sent_at,
    latest.last_opened_at,
    latest.last_clicked_at,
    {%- for days in (30, 90) %}
    {%- for event_type in ('send', 'open', 'click') %}
    coalesce(latest.{{ event_type }}s_{{ days }}_days, 0) as {{ event_type }}s_{{ days }}_days,
    {%- endfor %}
    {%- endfor %}
    coalesce(emails.emails_sent, 0) as emails_sent,
    coalesce(emails.emails_reached, 0) as emails_reached,
    coalesce(emails.emails_opened, 0) as emails_opened,
    coalesce(emails.emails_clicked, 0) as emails_clicked,
    {{ share('emails.emails_opened', 'emails.emails_reached') }} as open_rate,
    {{ share('emails.emails_clicked', 'emails.emails_reached') }} as click_rate,
    case
        when latest.last_engaged_at > {{ days_ago(var('engaged_days')) }} then 'engaged'
        when latest.last_engaged_at > {{ days_ago(var('lapsed_days')) }} then 'lapsing'
        when latest.last_engaged_at is not null then 'lapsed'
        when emails.emails_reached >= {{ var('unresponsive_emails') }} then 'unresponsive'
        else 'new'
    end as engagement_tier
from {{ ref('stg_constantcontact__contacts') }} as contacts
left join emails_by_contact as emails
    on contacts.contact_id = emails.contact_id
left join events_by_contact as latest
    on contacts.contact_id = latest.contact_id
