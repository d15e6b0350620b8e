pivot {{ ref('sales') }} on article using sum(amount)
