select article from {{ ref('tariffs') }}
