with contacts as (

    select
        {{ month_of('opted_out_at') }} as month,
        coalesce(opt_out_source, 'Unknown') as opt_out_source,
        coalesce(nullif(trim(opt_out_reason), ''), 'None given') as opt_out_reason
    from {{ ref('stg_constantcontact__contacts') }}
    where opted_out_at is not null

)

select
    month,
    opt_out_source,
    opt_out_reason,
    count(*) as unsubscribes
from contacts
group by month, opt_out_source, opt_out_reason
