"""The bodies that the routes take and give, with the texts and examples of the contract."""
