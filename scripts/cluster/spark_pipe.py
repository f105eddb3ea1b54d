#!/usr/bin/env python3
"""Requests through Spark's RDD.pipe: each partition is one run of `continuo batch`.

    spark-submit scripts/cluster/spark_pipe.py IN.jsonl OUT_FOLDER [OPTION of continuo batch]...

Every request should have an id: without one, ids (and the seeds made from them) are line numbers of the partition.
"""
import os
import shlex
import sys

from pyspark.sql import SparkSession


def main() -> None:
    requests, answers, *options = sys.argv[1:]
    spark = SparkSession.builder.appName("continuo").getOrCreate()
    command = shlex.join([os.environ.get("CONTINUO", "continuo"), "batch", "-q", *options])
    lines = spark.sparkContext.textFile(requests)
    # checkCode stays off: exit code 1 says that some requests failed, and their answers say so.
    lines.pipe(command).saveAsTextFile(answers)
    spark.stop()


if __name__ == "__main__":
    main()
