"""The baseline of bench.py: the app as tutorials write it, on Flask, librosa and TensorFlow.

`tutorial_app.py M.h5` loads the model on each request, as tutorials do; with `--once`, at start.
"""

import os
import sys
import tempfile

import keras
import librosa
import numpy as np
from flask import Flask, jsonify, request

MODEL = sys.argv[1]
LABELS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")

app = Flask(__name__)
loaded = keras.models.load_model(MODEL) if "--once" in sys.argv else None


@app.get("/ready")
def ready():
    return jsonify(status="ready")


@app.post("/predict")
def predict():
    with tempfile.NamedTemporaryFile() as file:
        file.write(request.get_data())
        file.flush()
        samples, rate = librosa.load(file.name)
    mfcc = np.mean(librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=40).T, axis=0)
    model = loaded or keras.models.load_model(MODEL)
    answer = model.predict(mfcc[np.newaxis, :, np.newaxis], verbose=0)
    return jsonify(emotion=LABELS[int(answer.argmax())], probabilities=answer[0].tolist())


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
