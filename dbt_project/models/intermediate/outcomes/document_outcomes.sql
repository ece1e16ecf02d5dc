-- One row per landed document of every source that has models, for people, reports and tests. No mart reads it: a mart
-- waits for the sources that it reads, and for no other.

{% for source_name in modelled_sources() -%}
select * from {{ ref('int_' ~ source_name ~ '_outcomes') }}
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
