with contacts as (

    select
        *,
        {{ property('email_address', 'permission_to_send') }} as permission_to_send
    from {{ source('constantcontact', 'contacts') }}

)

select
    contact_id,
    {{ property('email_address', 'address') }} as email_address,
    first_name,
    last_name,
    case
        when deleted_at is not null then 'deleted'
        when permission_to_send in ('explicit', 'implicit') then 'active'
        else coalesce(permission_to_send, 'not_set')
    end as status,
    permission_to_send,
    {{ property('email_address', 'opt_in_source') }} as opt_in_source,
    {{ property('email_address', 'opt_in_date', 'timestamp') }} as opted_in_at,
    {{ property('email_address', 'opt_out_source') }} as opt_out_source,
    {{ property('email_address', 'opt_out_date', 'timestamp') }} as opted_out_at,
    {{ property('email_address', 'opt_out_reason') }} as opt_out_reason,
    create_source,
    created_at,
    updated_at,
    deleted_at
from contacts
