select 'nobody builds this' as article, 0 as tariff
