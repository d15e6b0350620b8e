select
    totals.article,
    totals.amount - tariffs.tariff as amount
from {{ ref('totals') }} as totals
inner join {{ ref('tariffs') }} as tariffs on totals.article = tariffs.article
