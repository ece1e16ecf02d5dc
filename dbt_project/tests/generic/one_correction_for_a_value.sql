{#- No two corrections apply to one value. -#}
{% test one_correction_for_a_value(model) %}

select corrections.*
from {{ model }} as corrections
inner join {{ model }} as others
    on corrections.mart = others.mart
    and corrections.field = others.field
    and corrections.delivered_value is not distinct from others.delivered_value
    and coalesce(corrections.key = others.key, true)
    and corrections is distinct from others

{% endtest %}
