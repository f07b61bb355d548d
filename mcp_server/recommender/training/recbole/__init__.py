"""Models of RecBole: trained, measured, and exported for serving."""
