{#- What DuckDB and Postgres call by different names. -#}

{#- The texts of an array, one row each. target-duckdb loads an array as JSON, target-postgres as an
    array of Postgres. -#}
{% macro each_text(column) %}
    {{- return(adapter.dispatch('each_text', 'constantcontact')(column)) -}}
{% endmacro %}

{% macro duckdb__each_text(column) %}unnest(from_json({{ column }}, '["VARCHAR"]')){% endmacro %}

{% macro postgres__each_text(column) %}jsonb_array_elements_text(to_jsonb({{ column }})){% endmacro %}

{#- The first days of all months from one to another, one row each. -#}
{% macro each_month(first, last) %}
    {{- return(adapter.dispatch('each_month', 'constantcontact')(first, last)) -}}
{% endmacro %}

{% macro duckdb__each_month(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}, interval '1 month'))
{%- endmacro %}

{% macro postgres__each_month(first, last) -%}
    generate_series({{ first }}, {{ last }}, interval '1 month')
{%- endmacro %}
