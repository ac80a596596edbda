{#- A share is from 0 to 1, or null. Only a warning, as an e-mail that bounced may be opened later. -#}
{% test between_0_and_1(model, column_name) %}
{{ config(severity='warn') }}

select {{ column_name }}
from {{ model }}
where {{ column_name }} < 0 or {{ column_name }} > 1

{% endtest %}
