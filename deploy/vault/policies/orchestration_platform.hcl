# What the code location orchestration_platform may do: read its own secrets, see of everybody's
# which keys they have (for the check secrets_reachable), and give back what it leased.

path "secret/data/orchestration_platform/*" {
  capabilities = ["read"]
}

# the names of keys, without values
path "secret/subkeys/*" {
  capabilities = ["read"]
}

# when the secret ids of everybody's AppRole end (for the check secret_ids_last); none is shown
path "auth/approle/role/+/secret-id" {
  capabilities = ["list"]
}

path "auth/approle/role/+/secret-id-accessor/lookup" {
  capabilities = ["update"]
}

# a database account of its own, where the database engine has a role of this name
path "database/creds/orchestration_platform" {
  capabilities = ["read"]
}

path "sys/leases/renew" {
  capabilities = ["update"]
}

path "sys/leases/revoke" {
  capabilities = ["update"]
}
