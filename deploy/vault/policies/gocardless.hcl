# What the code location gocardless may do: read its own secrets, and give back what it leased.

path "secret/data/gocardless/*" {
  capabilities = ["read"]
}

# the names of keys, without values
path "secret/subkeys/gocardless/*" {
  capabilities = ["read"]
}

# a database account of its own, where the database engine has a role of this name
path "database/creds/gocardless" {
  capabilities = ["read"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
}

path "sys/leases/revoke" {
  capabilities = ["update"]
}
