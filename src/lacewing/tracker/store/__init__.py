"""All SQL of the tracker."""
