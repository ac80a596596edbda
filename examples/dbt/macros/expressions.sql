{#- A property of an object, which the targets load as JSON. -#}
{% macro property(column, name, type='text') -%}
    cast(({{ column }} ->> '{{ name }}') as {{ type }})
{%- endmacro %}

{#- A part of a whole, from 0 to 1; null if there is no whole. -#}
{% macro share(part, whole) -%}
    cast({{ part }} as double precision) / nullif({{ whole }}, 0)
{%- endmacro %}

{#- The instant at which "the last 30 days" end, in UTC. -#}
{% macro as_of() -%}
    cast('{{ var("as_of") or run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}

{#- The instant so many days before. -#}
{% macro days_ago(days) -%}
    ({{ as_of() }} - interval '{{ days }} days')
{%- endmacro %}

{#- The first day of a month. -#}
{% macro month_of(instant) -%}
    cast({{ dbt.date_trunc('month', instant) }} as date)
{%- endmacro %}
