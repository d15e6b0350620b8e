"""HashiCorp Vault and OpenBao, through hvac."""
