"""What is known of the other machines of a fleet: their names, reports and receipts."""
