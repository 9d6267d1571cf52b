#!/bin/bash
exec java -Dorg.slf4j.simpleLogger.showDateTime=true ${KAFKA_HEAP_OPTS:--Xmx1g} $KAFKA_OPTS -cp '/opt/kafka/libs/*' kafka.Kafka "$@"
