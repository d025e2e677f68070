"""Controllers that are rewarded for what they propose: one LSTM for every space, and the searches it makes."""
