"""The only place that knows AWS, MLflow, DuckDB and ONNX Runtime."""
