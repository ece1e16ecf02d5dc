{#- `accepted_values` with the one list of outcomes. -#}
{% test known_outcome(model, column_name) %}

select {{ column_name }}, count(*) as documents
from {{ model }}
where {{ column_name }} is null or {{ column_name }} not in ('{{ outcome_names() | join("', '") }}')
group by {{ column_name }}

{% endtest %}
