with memberships as (

    select
        list_id,
        {{ month_of('joined_at') }} as joined_in,
        {{ month_of('left_at') }} as left_in
    from {{ ref('list_memberships') }}

),

months as (

    select
        list_id,
        cast({{ each_month('min(joined_in)', month_of(as_of())) }} as date) as month
    from memberships
    group by list_id

),

joins as (

    select
        list_id,
        joined_in as month,
        count(*) as joins
    from memberships
    group by list_id, joined_in

),

leaves as (

    select
        list_id,
        left_in as month,
        count(*) as leaves
    from memberships
    group by list_id, left_in

),

changes as (

    select
        months.list_id,
        months.month,
        coalesce(joins.joins, 0) as joins,
        coalesce(leaves.leaves, 0) as leaves
    from months
    left join joins
        on months.list_id = joins.list_id and months.month = joins.month
    left join leaves
        on months.list_id = leaves.list_id and months.month = leaves.month

)

select
    changes.list_id,
    lists.list_name,
    changes.month,
    changes.joins,
    changes.leaves,
    cast(
        sum(changes.joins - changes.leaves) over (
            partition by changes.list_id
            order by changes.month
        ) as bigint
    ) as members
from changes
left join {{ ref('stg_constantcontact__lists') }} as lists
    on changes.list_id = lists.list_id
