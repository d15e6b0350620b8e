"""Tables that outlive the release that made them."""
