"""The warnings that an answer can carry: their code, and what it means in plain words."""

DAMAGED = "damaged"
UNCERTAIN = "uncertain"

WARNINGS = {
    DAMAGED: "The file is damaged; only the part that could be read was analysed.",
    UNCERTAIN: "The model is not sure: such answers are wrong more often than right.",
}
