"""scikit-learn models on the features of `conv1d-mfcc40`: two of its source, and one of ours."""

from ser.models.recipes.base import EstimatorRecipe
from ser.models.recipes.conv1d_mfcc40 import PUBLISHED_IN_A_PICTURE

RECIPES = (
    EstimatorRecipe(
        name="tree-mfcc40",
        summary="a decision tree over 40 mean MFCCs",
        features="mfcc40-mean",
        estimator="tree.DecisionTreeClassifier",
        published=PUBLISHED_IN_A_PICTURE,
        note="The source gives its accuracy in a picture.",
    ),
    EstimatorRecipe(
        name="forest-mfcc40",
        summary="a random forest over 40 mean MFCCs",
        features="mfcc40-mean",
        estimator="ensemble.RandomForestClassifier",
        params={
            "n_estimators": 500,
            "max_depth": 10,
            "max_features": "log2",
            "max_leaf_nodes": 100,
            "min_samples_leaf": 3,
            "min_samples_split": 20,
        },
        published=PUBLISHED_IN_A_PICTURE,
        note="The source has 22,000 trees; here 500. It gives its accuracy in a picture.",
    ),
    EstimatorRecipe(
        name="svc-mfcc40",
        summary="a support vector machine over 40 standardised mean MFCCs",
        features="mfcc40-mean",
        estimator="svm.SVC",
        params={"C": 10},
        scaling="standard",
        published=PUBLISHED_IN_A_PICTURE,
        note="Not of the source: a standard classifier on its features.",
        grid={"C": [0.1, 1, 10, 100], "gamma": ["scale", 0.003, 0.01, 0.03]},
    ),
)
