select
    campaign_id,
    last_sent_date as last_sent_at,
    {{ property('unique_counts', 'abuse', 'bigint') }} as spam_reports
from {{ source('constantcontact', 'email_campaign_summaries') }}
