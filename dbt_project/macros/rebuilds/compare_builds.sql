{#-
    Compares how the table of an incremental model was built last with how it would be built now. Returns the `reason` to rebuild it, or
    none; what to record about a build (`now`); and whether that `is_recorded`. Of a table that was built before anything was recorded, only
    the columns in the database are compared.
-#}
{% macro compare_builds(node) %}
    {%- set upstream = upstream_of(node) -%}
    {%- set facts = build_facts(node, upstream) -%}
    {%- set builds, models = facts.builds or {}, {} -%}
    {%- for one in upstream.models -%}
        {%- do models.update({one.alias: builds.get(one.alias, {}).get('build', no_build())}) -%}
    {%- endfor -%}
    {%- set before = builds.get(node.alias, {}) -%}
    {%- set distribution = distribution_of(node) -%}
    {%- set now = {
        'columns': declared_columns(node) or facts.declared or {},
        'views': facts['views'] or {},
        'reading': declared_reading(node) if 'deduplicated' in node.fqn else ({'distribute': distribution} if distribution else {}),
        'upstream': models,
    } -%}
    {%- set columns = changed_columns(facts['columns'], facts.declared) or changed_columns(before['columns'], now['columns']) -%}
    {%- set reasons = [] -%}
    {%- if columns -%}
        {%- do reasons.append('its columns have changed (' ~ columns | join(', ') ~ ')') -%}
    {%- endif -%}
    {%- if facts.is_there and now.reading.get('distribute') != (before.reading or {}).get('distribute') -%}
        {%- do reasons.append('it ' ~ ('goes to the nodes by ' ~ distribution if distribution not in ['reference', none]
            else 'is copied to each node' if distribution else 'stays on one node')) -%}
    {%- endif -%}
    {%- do reasons.extend(changed_views(node, before, now, names_columns=columns)) -%}
    {%- set rebuilt = [] -%}
    {%- for name, build in models.items() if before and not reasons and build not in (before.upstream or [no_build()]) -%}
        {%- do rebuilt.append(name) -%}
    {%- endfor -%}
    {%- if rebuilt -%}
        {%- do reasons.append((rebuilt | join(' and ')) ~ (' was' if rebuilt | length == 1 else ' were') ~ ' rebuilt') -%}
    {%- endif -%}
    {{ return({
        'reason': reasons | join(', and ') or none,
        'now': now,
        'is_there': facts.is_there,
        'is_recorded': before['views'] is not none and before['views'] is defined,
        'upstream': upstream.others,
    }) }}
{% endmacro %}
