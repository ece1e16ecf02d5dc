{#-
    An aggregate over the child documents of one document: the reason, if two that differ have the same key. Without it, their
    rows would break the primary key of the child mart.
-#}
{% macro contradicting_children(key, reason) -%}
    case when count({{ key }}) > count(distinct {{ key }}) then '{{ reason }}' end
{%- endmacro %}
