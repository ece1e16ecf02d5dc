{#-
    Whether an incremental model removes rows of documents that were erased by itself: it is a deduplicated model, returns all its rows in
    every run, or processes batches and deletes rows that are not current any more, or that go with the row that they refer to.
-#}
{% macro follows_batches(node) %}
    {%- set before = node.config['pre-hook'] | map(attribute='sql') | join(' ') -%}
    {%- set after = node.config['post-hook'] | map(attribute='sql') | join(' ') -%}
    {%- set primary_key = [] -%}
    {%- for constraint in node['constraints'] if constraint.type == 'primary_key' -%}
        {%- do primary_key.extend(constraint.columns) -%}
    {%- endfor -%}
    {%- set parents = [] -%}
    {%- for key in declared_foreign_keys(node) if key['columns'] == primary_key or 'cascade' in (key['action'] or '') | lower -%}
        {%- do parents.append(key['to']) -%}
    {%- endfor -%}
    {{ return(
        'deduplicated' in node.fqn
        or node.config.meta.get('returns_every_row') | default(false, true)
        or (
            'process_new_batches' in before
            and ('delete_rows_not_current' in after or 'delete_rows_without_parent' in after or parents | length > 0)
        )
    ) }}
{% endmacro %}
