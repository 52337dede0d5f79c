"""Tests of the import of whole sources: detection, the ledger, following."""
