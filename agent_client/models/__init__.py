"""Language models: which one to ask and where, the loaded model, and the meaning of its errors."""
