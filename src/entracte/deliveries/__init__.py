"""What leaves: the entries of a campaign as a file that opens in a spreadsheet (`csv_export`)."""
