select
    orders.article,
    orders.pieces * history.price as amount
from {{ source('raw', 'orders') }} as orders
inner join {{ ref('price_history') }} as history on orders.article = history.article
where orders.pieces >= {{ var('least_pieces') }}
