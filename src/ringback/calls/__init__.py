"""A call's life: model, status table, ledger, numbers. Pure; knows nobody."""
