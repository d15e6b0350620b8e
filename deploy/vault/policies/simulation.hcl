# What the code location simulation may do: read its own secrets, and give back what it leased.

path "secret/data/simulation/*" {
  capabilities = ["read"]
}

# the names of keys, without values
path "secret/subkeys/simulation/*" {
  capabilities = ["read"]
}

# a database account of its own, where the database engine has a role of this name
path "database/creds/simulation" {
  capabilities = ["read"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
}

path "sys/leases/revoke" {
  capabilities = ["update"]
}
