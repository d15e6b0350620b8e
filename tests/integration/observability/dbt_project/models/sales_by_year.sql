{{ config(
    materialized='incremental', incremental_strategy='microbatch',
    event_time='day', batch_size='year', begin='2024-01-01', concurrent_batches=false
) }}
select day, amount from {{ ref('sales') }}
