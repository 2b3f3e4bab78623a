"""Consumer of ADS_PUBLISH: the only code that changes anything at Meta."""
