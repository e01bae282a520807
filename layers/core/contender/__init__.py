"""Contender: watch data for drift, retrain, and make every new model win its place.

``domain`` holds the rules and is pure; ``usecases`` put the rules to work through the
interfaces of ``ports``; ``adapters`` implement those on AWS, MLflow and ONNX Runtime.
"""
