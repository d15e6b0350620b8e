{#
    Fails unless the bands [lower, upper) of a seed start at 0, follow each other without gap or
    overlap, have each its own name, and reach at least `until` (the years that
    int_bands_by_years lists). A gap would drop people from the simulation, an overlap would
    count them twice.
#}
{% test bands_cover(model, band, lower, upper, until=200) %}

with bands as (
    select
        {{ band }} as band,
        {{ lower }} as lower_bound,
        {{ upper }} as upper_bound,
        lag({{ upper }}, 1, 0) over (order by {{ lower }}) as expected_lower_bound,
        count(*) over (partition by {{ band }}) as rows_of_band
    from {{ model }}
),

broken as (
    select
        band,
        lower_bound,
        upper_bound,
        case
            when band is null or lower_bound is null or upper_bound is null then 'value missing'
            when rows_of_band > 1 then 'band named twice'
            when lower_bound >= upper_bound then 'band is empty'
            when lower_bound <> expected_lower_bound
                then 'gap or overlap: should start at ' || expected_lower_bound
        end as problem
    from bands

    union all

    select
        null as band,
        null as lower_bound,
        max(upper_bound) as upper_bound,
        'bands end before {{ until }}' as problem
    from bands
    having coalesce(max(upper_bound), 0) < {{ until }}
)

select * from broken
where problem is not null

{% endtest %}
