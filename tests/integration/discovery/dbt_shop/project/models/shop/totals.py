def model(dbt, session):
    return dbt.ref("sales").aggregate("article, sum(amount) as amount")
