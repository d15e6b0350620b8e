"""Values as banks write them: amounts, dates, IBANs and encodings."""
