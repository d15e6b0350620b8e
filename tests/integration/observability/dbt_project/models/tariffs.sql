select article, error('there is no tariff for ' || article) as tariff from {{ ref('prices') }}
