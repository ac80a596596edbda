with history as (

    select
        contact_id,
        list_id,
        dbt_valid_from as seen_from,
        dbt_valid_to as seen_to,
        dbt_valid_from > min(dbt_valid_from) over () as is_join_seen
    from {{ ref('list_membership_history') }}

),

memberships as (

    select
        history.contact_id,
        history.list_id,
        history.is_join_seen,
        case
            when history.is_join_seen then history.seen_from
            else coalesce(greatest(contacts.created_at, lists.created_at), history.seen_from)
        end as joined_at,
        least(
            history.seen_to,
            contacts.deleted_at,
            case
                when contacts.permission_to_send = 'unsubscribed' and lists.channel = 'email'
                    then contacts.opted_out_at
            end
        ) as ended_at
    from history
    left join {{ ref('stg_constantcontact__contacts') }} as contacts
        on history.contact_id = contacts.contact_id
    left join {{ ref('stg_constantcontact__lists') }} as lists
        on history.list_id = lists.list_id

)

select
    contact_id,
    list_id,
    joined_at,
    is_join_seen,
    case when ended_at is not null then greatest(ended_at, joined_at) end as left_at
from memberships
